// A TCP wire in front of a server, which a test can cut, stall and mend.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The server's URL, through this wire. */
  url: string;
  /** Ends every connection; new ones are let through. */
  cut(): void;
  /** Requests arrive; their answers do not. */
  loseAnswers(lose: boolean): void;
  /** Connections are refused (those there are end), or let through again. */
  block(blocked: boolean): void;
  close(): Promise<void>;
}

export async function layWire(serverUrl: string): Promise<Wire> {
  const target = new URL(serverUrl);
  const pairs = new Set<Socket[]>();
  let blocked = false;
  let losing = false;

  const server = createServer((client) => {
    if (blocked) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream];
    pairs.add(pair);
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => losing || client.write(data));
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const end of pair) end.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  url.hostname = '127.0.0.1';

  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    url: url.toString(),
    cut,
    loseAnswers(lose) {
      losing = lose;
    },
    block(block) {
      blocked = block;
      if (blocked) cut();
    },
    async close() {
      blocked = true;
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
