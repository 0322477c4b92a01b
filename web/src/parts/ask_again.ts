// A picture that was cut off, because the coordinator was restarted, is asked for again.

const kAgainMs = 3000;

export function ask_again(event: Event) {
  const picture = event.currentTarget as HTMLImageElement;
  const source = picture.src;
  setTimeout(() => {
    if (picture.src !== source) return;
    picture.src = "";
    picture.src = source;
  }, kAgainMs);
}
