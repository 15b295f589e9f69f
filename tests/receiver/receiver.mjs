// Receives webhooks as the providers' documentation says: with their own libraries where they have one. Says on which port
// it listens, and ends when its standard input does.

import crypto from "node:crypto";
import http from "node:http";
import { verify } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

const secret = process.env.HOOK_SECRET;
const stripe = new Stripe("sk_test_unused");

const sortKeys = (value) =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sortKeys(value[key])]))
    : value;

const equal = (left, right) =>
  left.length === right.length && crypto.timingSafeEqual(Buffer.from(left), Buffer.from(right));

const must = (holds) => {
  if (!holds) throw new Error("bad signature");
};

// Each throws unless the delivery is genuine.
const providers = {
  "/stripe": (body, headers) => stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret),
  "/github": async (body, headers) => must(await verify(secret, body.toString(), headers["x-hub-signature-256"])),
  "/standard": (body, headers) => new StandardWebhook(secret).verify(body, headers),
  "/svix": (body, headers) => new SvixWebhook(secret).verify(body, headers),
  "/shopify": (body, headers) => {
    const right = crypto.createHmac("sha256", secret).update(body).digest("base64");
    must(equal(right, headers["x-shopify-hmac-sha256"]));
  },
  "/nowpayments": (body, headers) => {
    const sorted = JSON.stringify(sortKeys(JSON.parse(body)));
    must(equal(crypto.createHmac("sha512", secret).update(sorted).digest("hex"), headers["x-nowpayments-sig"]));
  },
};

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    await providers[request.url](Buffer.concat(chunks), request.headers);
    response.writeHead(200, { "content-type": "application/json" }).end('{"received":true}');
  } catch (error) {
    response.writeHead(400).end(error.message);
  }
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
