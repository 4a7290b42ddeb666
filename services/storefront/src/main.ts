// The storefront process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startStorefront } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startStorefront(readConfig(settings)));
