// The inventory process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startInventory } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startInventory(readConfig(settings)));
