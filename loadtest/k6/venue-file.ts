// What a script must know of the stack it runs against; VENUE names the file, which holds secrets.
export interface Venue {
  gatewayUrl: string;
  bankUrl: string;
  bankApiKey: string;
  adminToken: string;
  /** host:port of each gRPC service. */
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  /** Their tokens, signed before anything is measured. */
  buyers: string[];
}
