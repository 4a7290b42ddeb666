// What a server of a run is to the rest of the launcher.
import { randomBytes } from 'node:crypto';

export type Say = (line: string) => void;
export type StartServer = { dir: string; signal?: AbortSignal | undefined };
export type Server = { url: string; port: number; pid: number; stop(): Promise<void> };
export type RabbitServer = Server & { managementUrl: string };
export type Servers = { postgres: Server; redis: Server; rabbitmq: RabbitServer; stop(): Promise<void> };
export type Starters = {
  postgres(start: StartServer): Promise<Server>;
  redis(start: StartServer): Promise<Server>;
  rabbitmq(start: StartServer): Promise<RabbitServer>;
};

export function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}

// Hexadecimal: safe in a URL, in every configuration file and as an Erlang cookie.
export const newSecret = () => randomBytes(24).toString('hex');

export function programOf(found: string | undefined, name: string): string {
  if (!found) throw new Error(`${name} is not installed: start through npm, which installs what is missing`);
  return found;
}
