// A real queue of Bull or BullMQ: node node.js LIBRARY PORT QUEUE add|work|pause [...]
// Jobs are called after what becomes of them: `done`, `fail`, `hang`, `nap`.
const [library, port, name, verb, ...rest] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const lockDuration = 1000; // so that a lock does not outlive its holder for half a minute

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function work({ name }) {
  if (name === 'fail') throw new Error('connect ECONNREFUSED 10.0.0.9:443');
  if (name === 'hang') await sleep(600_000);
  if (name === 'nap') await sleep(200);
}

const libraries = {
  bull() {
    const Queue = require('bull');
    const queue = new Queue(name, { redis: connection, settings: { lockDuration } });
    return { queue, start: () => void queue.process('*', work).catch(() => {}) };
  },
  bullmq() {
    const { Queue, Worker } = require('bullmq');
    const queue = new Queue(name, { connection });
    return { queue, start: (own) => new Worker(name, work, { connection, lockDuration, name: own }) };
  },
};

async function main() {
  const { queue, start } = libraries[library]();
  if (verb === 'add') {
    const [what, times, options] = rest;
    for (let n = 0; n < Number(times); n++) await queue.add(what, {}, JSON.parse(options ?? '{}'));
  } else if (verb === 'pause') {
    await queue.pause();
  } else {
    start(rest[0]);
    // When the library itself sees the worker.
    while ((await queue.getWorkers()).length === 0) await sleep(20);
    console.log('ready');
    return;
  }
  await queue.close();
  process.exit(0);
}

main();
