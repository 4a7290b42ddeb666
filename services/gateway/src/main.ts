// The gateway process.
import { readConfig } from '@flashsale/runtime/config';
import { runProcess } from '@flashsale/runtime/process';
import { startGateway } from './app.ts';
import { settings } from './config.ts';

await runProcess(() => startGateway(readConfig(settings)));
