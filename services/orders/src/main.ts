// The orders process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startOrders } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startOrders(readConfig(settings)));
