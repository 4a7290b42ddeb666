// npm run demo [-- --once] [--json FILE]: 0 when every claim holds, 1 when one does not or something broke.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startStack } from '../../infra/native/stack.ts';
import { openStores } from '../audit/stores.ts';
import { createBank } from '../bank.ts';
import { createShop } from '../shop.ts';
import { createGenerator } from './crowd.ts';
import { runDemo } from './demo.ts';
import { createSay } from './progress.ts';
import { claimsOf, describeRun, runAsJson } from './report.ts';
import { settings } from './settings.ts';
