// Reading a body: small JSON objects, and nothing else.
import express from 'express';

export const jsonBody = express.json({ limit: '4kb', type: 'application/json' });
