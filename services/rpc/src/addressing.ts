// Finding a neighbour: each new channel resolves the name again, so that calls also reach a process that came later.
// grpc-js itself resolves again only when a connection is lost: a second process beside a healthy one would get no call.
import { type ChannelInterface, type Client, connectivityState } from '@grpc/grpc-js';

/**
 * A channel whose calls go to a client that is replaced every `everyMs`, by one that is connected already. The replaced
 * one is not closed, which would break a call that outlasts the keepalive time: without calls it goes idle.
 */
export function renewed(open: () => Client, everyMs: number): ChannelInterface {
  let current = open();
  let closed = false;
  const channel = () => current.getChannel();

  function renew() {
    // While it connects, it also resolves the name.
    if (channel().getConnectivityState(true) !== connectivityState.READY) return;
    const next = open();
    next.waitForReady(Date.now() + everyMs, (error) => {
      if (error || closed) next.close();
      else current = next;
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
      closed = true;
      clearInterval(timer);
      current.close();
    },
  };
}
