// A picture of the farm's. One that was cut off, because the coordinator was restarted, is asked for
// again, sooner at first: it may also be one that is gone.

const kAgainMs = 3000;
const kAgainMaxMs = 300_000;
const pauses = new WeakMap<HTMLImageElement, { source: string; ms: number }>();

function ask_again(event: Event) {
  const picture = event.currentTarget as HTMLImageElement;
  const source = picture.src;
  const last = pauses.get(picture);
  const ms = last?.source === source ? Math.min(2 * last.ms, kAgainMaxMs) : kAgainMs;
  pauses.set(picture, { source, ms });
  setTimeout(() => {
    if (picture.src === source) picture.src = source; // begins anew, though it is the same
  }, ms);
}

interface PictureProps {
  src: string;
  alt: string;
  lazy?: boolean; // of many: only what is looked at is fetched
}

export function Picture({ src, alt, lazy = false }: PictureProps) {
  return (
    <img
      src={src}
      alt={alt}
      loading={lazy ? "lazy" : "eager"}
      decoding={lazy ? "async" : "auto"}
      onError={ask_again}
    />
  );
}
