import type { Words } from "../words";

export function Chip({ words }: { words: Words }) {
  return <span class={`chip ${words.tone}`}>{words.text}</span>;
}
