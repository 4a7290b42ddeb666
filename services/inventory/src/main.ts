// The inventory process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startTraced } from '@flashsale/runtime/tracing';
import { startInventory } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startTraced('inventory', readConfig(settings), startInventory));
