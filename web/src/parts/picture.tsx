// A picture of the farm's. One that was cut off, because the coordinator was restarted, is asked for
// again.

const kAgainMs = 3000;

function ask_again(event: Event) {
  const picture = event.currentTarget as HTMLImageElement;
  const source = picture.src;
  setTimeout(() => {
    if (picture.src === source) picture.src = source; // begins anew, though it is the same
  }, kAgainMs);
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
