// A rule of the protocol, switched off: the smallest change to the source, and the test that must fail with it.

export interface Mutant {
  /** Of PROTOCOL.md, section 11; or the rule's name where it has no row. */
  row: string;
  rule: string;
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  test: { file: string; name: string };
}
