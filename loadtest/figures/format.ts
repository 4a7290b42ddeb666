// Numbers and text as people read them.

export const count = (value: number) => value.toLocaleString('en-US');

export const percent = (share: number | null) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`);

export function duration(ms: number | null): string {
  if (ms === null) return '–';
  // By what it is rounded to: 999.6 ms are a second.
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Columns of everything that is printed. */
export const WIDTH = 80;

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
