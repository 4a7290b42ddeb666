// Finding a neighbour: each new channel resolves the name again, so that calls also reach a process that came later.
// grpc-js itself resolves again only when a connection is lost: a second process beside a healthy one would get no call.
import { type ChannelInterface, type Client, connectivityState } from '@grpc/grpc-js';

/** A channel whose calls go to a client that is replaced every `everyMs`, by one that is connected already. */
export function renewed(open: () => Client, everyMs: number): ChannelInterface {
  let current = open();
  const opened = new Set([current]);
  const channel = () => current.getChannel();
  const close = (client: Client) => opened.delete(client) && client.close();

  function renew() {
    // While it connects, it also resolves the name.
    if (channel().getConnectivityState(false) !== connectivityState.READY) return;
    const next = open();
    opened.add(next);
    next.waitForReady(Date.now() + everyMs, (error) => {
      if (error) return void close(next);
      // Calls that are on a connection outlive its close; a call that is only starting would fail.
      setTimeout(close, everyMs, current).unref();
      current = next;
    });
  }

  const timer = setInterval(renew, everyMs).unref();
  return {
    createCall: (...call) => channel().createCall(...call),
    getConnectivityState: (connect) => channel().getConnectivityState(connect),
    watchConnectivityState: (...watch) => channel().watchConnectivityState(...watch),
    getTarget: () => channel().getTarget(),
    getChannelzRef: () => channel().getChannelzRef(),
    close() {
      clearInterval(timer);
      for (const client of opened) close(client);
    },
  };
}
