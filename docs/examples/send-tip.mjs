#!/usr/bin/env node
// Send a tip to a Tipline and look for answers, with nothing but Node 20's own fetch.
//
//     node send-tip.mjs http://127.0.0.1:8000 "They sell pills behind the rink"
//
// It keeps nothing: write the seven words down on paper, or lose them.

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

export class Refused extends Error {
  // The server refused; `problem` says why (RFC 9457).
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

// One call; again with the same key while the server is away or the answer was lost.
async function call(url, { body, key, words } = {}) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (words) headers["Tipline-Receipt"] = words;
  for (const patience of [1, 10, 30, 0]) {
    try {
      const answer = await fetch(url, {
        method: body ? "POST" : "GET",
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      if (answer.ok) return answer.status === 204 ? null : await answer.json();
      const problem = await answer.json();
      if (![500, 503].includes(answer.status) || !patience) throw new Refused(problem);
    } catch (fault) {
      if (fault instanceof Refused || !patience) throw fault;
    }
    await sleep(patience * 1000);
  }
}

const newKey = () => randomBytes(24).toString("base64url");

// One key for all tries: however often it is sent, it is one tip.
export const send = (server, tip) => call(`${server}/api/v1/tips/`, { body: tip, key: newKey() });
export const add = (server, words, text) =>
  call(`${server}/api/v1/conversation/messages/`, { body: { text }, key: newKey(), words });
export const look = (server, words) => call(`${server}/api/v1/conversation/`, { words });
export const lock = (server, words) =>
  call(`${server}/api/v1/conversation/lock/`, { body: { confirm: "yes" }, words });

async function main(server, text) {
  try {
    const receipt = await send(server, { text });
    if (receipt.words === null) return console.log(receipt.detail);
    console.log("Write these down:", receipt.words);
    console.log("or these:", receipt.numbers);
    const answers = await look(server, receipt.words);
    console.log("Answers so far:", answers.replies.length);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    console.error(fault.problem.detail, ...(fault.problem.errors ?? []));
    process.exitCode = 1;
  }
}

if (process.argv[1] && import.meta.url.endsWith(encodeURI(process.argv[1].split("/").pop()))) {
  await main(process.argv[2].replace(/\/$/, ""), process.argv[3]);
}
