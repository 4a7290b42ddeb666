// The payment process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startPayment } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startPayment(readConfig(settings)));
