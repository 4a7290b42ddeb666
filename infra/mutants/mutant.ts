// A rule of the protocol, switched off: the smallest change to the source, and the test that must fail with it.

export interface Mutant {
  /** The rule's row in the protocol's table of rules; or its name where it has no row. */
  row: string;
  rule: string;
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  test: { file: string; name: string };
}

/** `suite` is the file of the test, SERVICE/NAME. Without `replace` the text that is found is left out. */
export function off(
  row: string,
  rule: string,
  file: string,
  { find, replace = '', suite, test }: { find: string; replace?: string; suite: string; test: string },
): Mutant {
  const testFile = `services/${suite.replace('/', '/test/')}.test.ts`;
  return { row, rule, file: `services/${file}`, find, replace, test: { file: testFile, name: test } };
}
