// A turntable seen from above: the dot is where the figure faces (down: the viewer, left: screen
// left), the arc is how far its rendering is.

const kRadius = 16;
const kAround = 2 * Math.PI * kRadius;

export function Dial({ azimuth, done }: { azimuth: number; done: number | null }) {
  const turn = (azimuth * Math.PI) / 180;
  const x = 20 - 9 * Math.sin(turn);
  const y = 20 + 9 * Math.cos(turn);
  return (
    <svg class={done === null ? "dial" : "dial busy"} viewBox="0 0 40 40" aria-hidden="true">
      <circle class="dial-track" cx="20" cy="20" r={kRadius} />
      {done !== null && (
        <circle
          class="dial-arc"
          cx="20"
          cy="20"
          r={kRadius}
          stroke-dasharray={`${kAround}`}
          stroke-dashoffset={`${kAround * (1 - Math.max(done, 0.03))}`}
          transform="rotate(-90 20 20)"
        />
      )}
      <circle class="dial-dot" cx={x} cy={y} r="3.4" />
    </svg>
  );
}
