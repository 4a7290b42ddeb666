// Reference (a): a bare server that responds to every request with the bytes of a sold-out sale. It listens on PORT.
import { createServer } from 'node:http';

const body = Buffer.from('{"type":"/problems/sold-out","title":"Sold out","status":410}');
const headers = {
  'Content-Type': 'application/problem+json',
  'Content-Length': body.length,
  'Cache-Control': 'no-store',
};

// The gateway's own keep-alive timeout, which stands in a header of each response.
createServer({ keepAliveTimeout: 30_000 }, (_request, response) => {
  response.writeHead(410, headers).end(body);
}).listen(Number(process.env.PORT), '127.0.0.1', 4_096);
