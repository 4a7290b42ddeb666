export function findServers(): {
  postgres?: string;
  initdb?: string;
  pgbench?: string;
  redis?: string;
  rabbitmq?: string;
  epmd?: string;
};
export function missingServers(): string[];
