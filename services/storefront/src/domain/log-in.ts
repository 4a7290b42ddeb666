// The demo login: a click makes a guest, as long as not too many have clicked within this second.
export interface Guest {
  token: string;
  /** How long the token is valid. */
  seconds: number;
}

export type LoginOutcome = { kind: 'logged-in'; guest: Guest } | { kind: 'rate-limited' };
export type LogIn = () => LoginOutcome;

/** The limit is for all visitors together: a guest has no identity before this. */
export function createLogIn(newGuest: () => Guest, mostPerSecond: number, now = () => Date.now()): LogIn {
  let second = 0;
  let logins = 0;
  return () => {
    const current = Math.floor(now() / 1_000);
    if (current !== second) logins = 0;
    second = current;
    logins += 1;
    return logins > mostPerSecond ? { kind: 'rate-limited' } : { kind: 'logged-in', guest: newGuest() };
  };
}
