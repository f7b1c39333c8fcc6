// A shop's back end: what its customers do becomes interactions, its goods become
// items with tags and prices, and its pages ask for recommendations.
//
//   node shop.mjs PORT [TAUD_HOST:PORT]      (npm install taud)
//
//   PUT  /goods                [{"id", "title", "department", "price", "sold_out"}, …]
//   POST /visits/CUSTOMER/GOOD[?did=like|purchase]
//   GET  /for/CUSTOMER[?department=&below=&like=GOOD]
import { createServer } from 'node:http';
import { Client, TaudError } from 'taud';

const taud = new Client(process.argv[3] ?? 'localhost:50051', { timeoutMs: 1000 });

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

async function putGoods(goods) {
  await taud.upsertItems(goods.map(({ id, title, department, price, sold_out: soldOut }) => ({
    id, title, tags: [department], hidden: soldOut ?? false, properties: { price: { number: price } },
  })));
  return { written: goods.length };
}

// The customer's next page knows of it: the sequence goes back with a cookie.
async function visit(customer, good, did) {
  return { sequence: await taud.write([{ user: customer, item: good, kind: did ?? 'view' }]) };
}

async function goodsFor(customer, wanted, sequence) {
  const { items, representation } = await taud.recommend(customer, {
    k: 8,
    afterSequence: sequence,
    titles: true,
    context: wanted.has('like') ? [wanted.get('like')] : [],
    filter: {
      anyTags: wanted.has('department') ? [wanted.get('department')] : [],
      expression: wanted.has('below') ? `price < ${Number(wanted.get('below'))}` : '',
    },
    rules: { maxPerTag: wanted.has('department') ? 0 : 3 },  // no wall of one kind
  });
  return { known: representation, goods: items.map(({ id, title }) => ({ id, title })) };
}

async function answer(request) {
  const url = new URL(request.url, 'http://shop');
  const [what, customer, good] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const route = `${request.method} ${what}`;
  if (route === 'PUT goods') return putGoods(await body(request));
  if (route === 'POST visits') return visit(customer, good, url.searchParams.get('did'));
  if (route === 'GET for') {
    const sequence = /(?:^|; )seen=(\d+)/.exec(request.headers.cookie ?? '')?.[1];
    return goodsFor(customer, url.searchParams, Number(sequence ?? 0));
  }
  return null;
}

const server = createServer((request, response) => {
  answer(request).then((found) => {
    response.statusCode = found === null ? 404 : 200;
    if (found?.sequence) response.setHeader('Set-Cookie', `seen=${found.sequence}; Path=/`);
    response.end(JSON.stringify(found ?? {}));
  }, (error) => {
    // A page without recommendations is a page.
    const asked = error instanceof TaudError && error.code === 'INVALID_ARGUMENT';
    response.statusCode = asked || error instanceof RangeError || error instanceof SyntaxError ? 400 : 503;
    response.end(JSON.stringify({ error: error.message }));
  });
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
process.on('SIGTERM', () => {
  server.close(() => taud.close());
});
