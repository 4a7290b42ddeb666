// A TCP wire in front of a server, which a test can cut, stall and mend.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The server's URL, through this wire. */
  url: string;
  /** Ends every connection; new ones are let through. */
  cut(): void;
  /** Requests arrive; their answers do not. A connection that lost one ends when this does. */
  loseAnswers(lose: boolean): void;
  /** Something was lost on a connection that is still there. */
  hasLost(): boolean;
  /** Requests do not arrive. A connection that lost one ends when this does. */
  loseRequests(lose: boolean): void;
  /** Answers wait in the wire until they are let go. */
  holdAnswers(hold: boolean): void;
  /** Connections are refused (those there are end), or let through again. */
  block(blocked: boolean): void;
  /** Sees what clients send, before the server does: for acting at an exact point of a conversation. */
  onRequest(listener?: (bytes: Buffer) => void): void;
  /** Sends every client what the server never said. */
  pretend(answer: Buffer): void;
  close(): Promise<void>;
}

interface Line {
  ends: Socket[];
  client: Socket;
  held: Buffer[];
  lost: boolean;
}

export async function layWire(serverUrl: string): Promise<Wire> {
  const target = new URL(serverUrl);
  const lines = new Set<Line>();
  let blocked = false;
  let losing: 'requests' | 'answers' | undefined;
  let holding = false;
  let seen: ((bytes: Buffer) => void) | undefined;

  function pass(line: Line, answer: Buffer) {
    if (losing === 'answers') line.lost = true;
    else if (holding) line.held.push(answer);
    else line.client.write(answer);
  }

  const server = createServer((client) => {
    if (blocked) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    const line: Line = { ends: [client, upstream], client, held: [], lost: false };
    lines.add(line);
    client.on('data', (bytes) => {
      seen?.(bytes);
      // Its answer may come after the loss is over.
      if (losing) line.lost = true;
      if (losing !== 'requests' && !upstream.destroyed) upstream.write(bytes);
    });
    upstream.on('data', (answer) => pass(line, answer));
    for (const socket of line.ends) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const end of line.ends) end.destroy();
        lines.delete(line);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  url.hostname = '127.0.0.1';

  const end = (line: Line) => {
    for (const socket of line.ends) reset(socket);
  };
  const cut = () => {
    for (const line of lines) end(line);
  };
  // A connection never goes on after a gap: what came next would be taken for what was lost.
  const lose = (what: typeof losing) => {
    losing = what;
    if (!what) for (const line of lines) if (line.lost) end(line);
  };
  return {
    url: url.toString(),
    cut,
    hasLost: () => [...lines].some((line) => line.lost),
    loseAnswers: (yes) => lose(yes ? 'answers' : undefined),
    loseRequests: (yes) => lose(yes ? 'requests' : undefined),
    holdAnswers(hold) {
      holding = hold;
      if (!hold) for (const line of lines) for (const answer of line.held.splice(0)) line.client.write(answer);
    },
    block(block) {
      blocked = block;
      if (blocked) cut();
    },
    onRequest(listener) {
      seen = listener;
    },
    pretend(answer) {
      for (const { client } of lines) client.write(answer);
    },
    async close() {
      blocked = true;
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resetting a socket that is connecting or already ending leaves a handle open that keeps Node from exiting (24.21). */
function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
