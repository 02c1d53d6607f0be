// SPDX-License-Identifier: LGPL-2.1-or-later
// A real OAuth server (npm's oidc-provider) over HTTPS on 127.0.0.1, on a port that the kernel picks.
//   node oidc.mjs CERTIFICATE PUBLIC-KEY    PUBLIC-KEY: that of the client that signs
// Writes its port, and ends with its standard input.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// From the folder in which the tests installed it.
const provided = createRequire(`${process.env.OIDC_FOLDER}/`).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(provided));

const [certificate, publicKey] = process.argv.slice(2).map((file) => readFileSync(file));

let handler;
const server = createServer({ key: certificate, cert: certificate }, (request, response) => handler(request, response));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();

const common = { client_secret: 'the-secret', response_types: [], redirect_uris: [] };
const device = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];
const mail = 'urn:mail';

const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    { ...common, client_id: 'post', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post' },
    { ...common, client_id: 'basic', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' },
    {
      client_id: 'signs',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...createPublicKey(publicKey).export({ format: 'jwk' }), kid: 'k1', use: 'sig' }] },
    },
    { client_id: 'device', grant_types: device, response_types: [], redirect_uris: [], token_endpoint_auth_method: 'none' },
    {
      client_id: 'browser',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1'],
      token_endpoint_auth_method: 'none',
    },
    { ...common, client_id: 'dovecot', grant_types: [], token_endpoint_auth_method: 'client_secret_basic' },
  ],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => mail,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'mail', audience: mail, accessTokenTTL: 1200, accessTokenFormat: 'opaque' }),
    },
  },
  scopes: ['openid', 'offline_access', 'mail'],
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { ClientCredentials: 600 },
});
provider.on('server_error', (_, error) => console.error(error));
handler = provider.callback();

console.log(port);
process.stdin.on('end', () => process.exit(0)).resume();
