#pragma once
// Wakes a thread that waits in zmq::poll or poll, from any other: an eventfd. A ring before the wait ends
// the wait at once, so none is lost; many rings before one clear() are one.

namespace pirouette::wire {

class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  void ring();
  void clear();  // before looking at what the ring announced
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace pirouette::wire
