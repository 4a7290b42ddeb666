// What k6 has and @types/k6 leaves out.
declare const console: Record<'log' | 'warn' | 'error', (line: string) => void>;
