// The session token of the wire contract in plain node:crypto, as a server that
// shares secret and salt with ours would read and write it. It shares no code
// with the Go side: that is its purpose.
//
// Standard input is {"secret","salt","mode","token"} to open a token, or the same
// with "claims" instead to mint one; mode is sealed, signed or encrypted. Standard
// output is {"headers","claims"} (the headers as they were written, outer first) or
// {"token"}. A token that does not verify is exit status 1.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { text } from "node:stream/consumers";

const JWE_HEADER = '{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT"}';
const JWS_HEADER = '{"alg":"HS256","typ":"JWT"}';
const LIFETIME = 15 * 24 * 60 * 60; // seconds

const { secret, salt, mode, token, claims } = JSON.parse(await text(process.stdin));
const key = (info) => Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
const encode = (data) => Buffer.from(data).toString("base64url");
const decode = (part) => Buffer.from(part, "base64url");
const mac = (input) => createHmac("sha256", key("aura:signing")).update(input).digest();
const headers = [];

function sign(payload) {
  const input = `${encode(JWS_HEADER)}.${encode(payload)}`;
  return `${input}.${encode(mac(input))}`;
}

function verify(jws) {
  const [header, payload, signature, ...rest] = jws.split(".");
  if (!signature || rest.length) throw new Error("not a compact JWS");
  const given = decode(signature);
  const right = mac(`${header}.${payload}`);
  if (given.length !== right.length || !timingSafeEqual(given, right)) throw new Error("the signature is wrong");
  const { alg, typ } = JSON.parse(decode(header));
  if (alg !== "HS256" || typ !== "JWT") throw new Error("the JWS has another header");
  headers.push(String(decode(header)));
  return String(decode(payload));
}

function encrypt(plaintext) {
  const header = encode(JWE_HEADER);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key("aura:encryption"), iv);
  cipher.setAAD(Buffer.from(header, "ascii"));
  const sealed = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return [header, "", encode(iv), encode(sealed), encode(cipher.getAuthTag())].join(".");
}

function decrypt(jwe) {
  const [header, wrapped, iv, sealed, tag, ...rest] = jwe.split(".");
  if (!tag || wrapped !== "" || rest.length) throw new Error("not a compact JWE with a direct key");
  const { alg, enc } = JSON.parse(decode(header));
  if (alg !== "dir" || enc !== "A256GCM") throw new Error("the JWE has another header");
  const cipher = createDecipheriv("aes-256-gcm", key("aura:encryption"), decode(iv), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(header, "ascii"));
  cipher.setAuthTag(decode(tag));
  headers.push(String(decode(header)));
  return Buffer.concat([cipher.update(decode(sealed)), cipher.final()]).toString("utf8");
}

const modes = {
  sealed: { mint: (payload) => encrypt(sign(payload)), open: (value) => verify(decrypt(value)) },
  signed: { mint: sign, open: verify },
  encrypted: { mint: encrypt, open: decrypt },
};

if (claims) {
  const now = Math.floor(Date.now() / 1000);
  const standard = { iat: now, nbf: now, exp: now + LIFETIME, jti: encode(randomBytes(32)) };
  console.log(JSON.stringify({ token: modes[mode].mint(JSON.stringify({ ...standard, ...claims })) }));
} else {
  const opened = JSON.parse(modes[mode].open(token));
  const now = Date.now() / 1000;
  if (!(opened.exp > now && opened.nbf <= now)) throw new Error("the token is not valid now");
  console.log(JSON.stringify({ headers, claims: opened }));
}
