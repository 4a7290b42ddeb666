// The bank process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startBank } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startBank(readConfig(settings)));
