// The course as a list: every script, what it is about, and how many buyers it needs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const COURSE = join(import.meta.dirname, '../k6');

export interface Script {
  /** `05-sold-out` */
  name: string;
  file: string;
  /** What its first lines say. */
  about: string;
  /** As its settings are by default. */
  buyers: number;
}

/** In their order. Each tells in its first lines what is to be seen, and then how many `Buyers:` it needs. */
export const scripts = (): Script[] =>
  readdirSync(COURSE)
    .filter((file) => /^\d\d-[a-z-]+\.ts$/.test(file))
    .toSorted()
    .map((file) => {
      const path = join(COURSE, file);
      const text = readFileSync(path, 'utf8');
      const [, about = '', buyers] = /^((?:\/\/ .*\n)+?)\/\/ Buyers: (\d+)$/m.exec(text) ?? [];
      return {
        name: file.slice(0, -3),
        file: path,
        about: about.replace(/\n?\/\/ /g, ' ').trim(),
        buyers: Number(buyers),
      };
    });

/** By number, by name, or by both. */
export function findScript(asked: string): Script | undefined {
  const number = /^\d+$/.test(asked) ? asked.padStart(2, '0') : undefined;
  return scripts().find(({ name }) => name === asked || name.slice(3) === asked || name.slice(0, 2) === number);
}
