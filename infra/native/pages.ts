// The pages of this repository, for tests that hold them against the code.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './leftovers.ts';

export const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });

export const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** What stands between the fences of a language. */
export const blocks = (page: string, language: string) =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block as string);

/** All but what stands between fences. */
export const prose = (page: string) => read(page).replace(/^```.*?^```$/gms, '');

/** Figures with their unit: 1,000 or 6.3 s. */
export const figures = (text: string) => text.match(/\d[\d,.]*\d(?: ms| s\b)?|\d(?: ms| s\b)?/g) ?? [];
