// A copy of the working tree in which the workspace's packages are the copy's own, and all others those that are installed.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../native/leftovers.ts';

const WORKSPACE = '@flashsale';

export function copyTree(copy: string): void {
  for (const file of filesOfTheTree()) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(join(ROOT, file), join(copy, file));
  }
  const [installed, modules] = [join(ROOT, 'node_modules'), join(copy, 'node_modules')];
  mkdirSync(join(modules, WORKSPACE), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== WORKSPACE) symlinkSync(join(installed, name), join(modules, name));
  }
  for (const service of readdirSync(join(installed, WORKSPACE)))
    symlinkSync(join(copy, 'services', service), join(modules, WORKSPACE, service));
}

/** What git knows, and what it would if it were asked to add everything. */
function filesOfTheTree(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\0').filter((file) => file && existsSync(join(ROOT, file)));
}
