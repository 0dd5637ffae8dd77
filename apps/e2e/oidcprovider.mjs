// Runs npm's oidc-provider on loopback for the end-to-end tests: one confidential
// client, one user, form log-in and consent, PKCE required, refresh tokens
// rotated, `iss` in the authorization response (RFC 9207, on by default).
//
// Environment: MODULES (the node_modules folder, kept outside the tree),
// REDIRECT_URIS (comma-separated), CLIENT_ID, CLIENT_SECRET, USER_EMAIL,
// USER_NAME, USER_PASSWORD; optional: CLIENTS (more clients, as JSON, with what
// differs from the first) and TOKEN_SECONDS (how long the access token of a
// sign-in lives). Standard output carries one line, "issuer URL".
import { createHash, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const settings = {};
for (const name of ['MODULES', 'REDIRECT_URIS', 'CLIENT_ID', 'CLIENT_SECRET', 'USER_EMAIL', 'USER_NAME', 'USER_PASSWORD']) {
  settings[name] = process.env[name];
  if (!settings[name]) {
    console.error(`oidcprovider: ${name} is required`);
    process.exit(1);
  }
}

// An import specifier resolves from this file's folder; the package is elsewhere.
const require = createRequire(path.join(settings.MODULES, 'e2e.cjs'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const accountId = 'e2e-user';
const account = {
  accountId,
  claims: () => ({
    sub: accountId,
    name: settings.USER_NAME,
    email: settings.USER_EMAIL,
    email_verified: true,
  }),
};

// The issuer contains the port, so the listener comes before the provider.
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const client = {
  client_id: settings.CLIENT_ID,
  client_secret: settings.CLIENT_SECRET,
  client_name: 'Aura Auth end-to-end tests',
  redirect_uris: settings.REDIRECT_URIS.split(','),
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
};
const others = JSON.parse(process.env.CLIENTS ?? '[]').map((other) => ({ ...client, client_secret: undefined, ...other }));
const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 600);

const provider = new Provider(issuer, {
  clients: [client, ...others],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: {
    backchannelLogout: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: false },
    revocation: { enabled: true },
  },
  // Logout tokens go to applications on loopback, which the guard that the
  // provider would pass on refuses to connect to.
  fetch: (url, { dispatcher, ...options } = {}) => globalThis.fetch(url, options),
  findAccount: (_ctx, id) => (id === accountId ? account : undefined),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async () => true,
  jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: {
    // What a refresh brings lives on: it is what the tests look at afterwards.
    AccessToken: (ctx) => (ctx.oidc.params.grant_type === 'refresh_token' ? 600 : tokenSeconds),
    AuthorizationCode: 60,
    DeviceCode: 600,
    Grant: 3600,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 3600,
    Session: 3600,
  },
});
provider.on('server_error', (_ctx, err) => console.error('oidcprovider:', err));
provider.on('backchannel.error', (_ctx, err) => console.error('oidcprovider: back-channel logout:', err));

const sha256 = (value) => createHash('sha256').update(value).digest();
const same = (a, b) => timingSafeEqual(sha256(a), sha256(b));

function page(res, status, prompt, fields, error = '') {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  res.end(`<!doctype html><html lang="en"><title>${prompt}</title><h1>${prompt}</h1>${error}
<form method="post"><input type="hidden" name="prompt" value="${prompt}">${fields}<button type="submit">Continue</button></form>`);
}

const loginFields = '<label>E-mail <input name="login"></label><label>Password <input name="password" type="password"></label>';

async function grant(details) {
  const { prompt, params, session } = details;
  const g = details.grantId
    ? await provider.Grant.find(details.grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) g.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) g.addOIDCClaims(prompt.details.missingOIDCClaims);
  return { consent: { grantId: await g.save() } };
}

async function interaction(req, res) {
  const details = await provider.interactionDetails(req, res);
  const prompt = details.prompt.name;
  if (req.method !== 'POST') return page(res, 200, prompt, prompt === 'login' ? loginFields : '');

  const form = new URLSearchParams(await text(req));
  // A form of an earlier step, sent again by Back, must not decide this one.
  if (form.get('prompt') !== prompt) return page(res, 409, prompt, prompt === 'login' ? loginFields : '');
  if (prompt === 'consent') return provider.interactionFinished(req, res, await grant(details), { mergeWithLastSubmission: true });

  const ok = same(form.get('login') ?? '', settings.USER_EMAIL) && same(form.get('password') ?? '', settings.USER_PASSWORD);
  if (!ok) return page(res, 401, prompt, loginFields, '<p role="alert">Wrong e-mail or password.</p>');
  return provider.interactionFinished(req, res, { login: { accountId } }, { mergeWithLastSubmission: false });
}

const callback = provider.callback();
server.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) return callback(req, res);
  interaction(req, res).catch((err) => {
    console.error('oidcprovider:', err.message);
    res.writeHead(400, { 'content-type': 'text/plain' });
    res.end('interaction failed');
  });
});
process.on('SIGTERM', () => process.exit(0));
console.log('issuer', issuer);
