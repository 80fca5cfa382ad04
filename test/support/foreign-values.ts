const refuse = (): never => {
  throw new Error('a trap of the test');
};

const traps = new Proxy({}, { get: () => refuse });

/** An error whose property throws when it is read. */
function withGetter(key: string): Error {
  return Object.defineProperty(new Error('fine but for one getter'), key, {
    get: refuse,
    enumerable: true,
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function chainOf(length: number): Error {
  let error = new Error('the first cause');
  for (let index = 1; index < length; index += 1) error = new Error(`${index}`, { cause: error });
  return error;
}

function circular(): Error {
  const one = new Error('one');
  one.cause = new Error('two', { cause: one });
  return one;
}

/** An error whose message can be read once. The second read throws. */
function worksOnce(): Error {
  let asked = 0;
  return Object.defineProperty(new Error(), 'message', {
    get: () => ((asked += 1) === 1 ? 'only once' : refuse()),
  });
}

/** Makes a value once, because it takes long. */
function once(make: () => unknown): () => unknown {
  let made: { readonly value: unknown } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Values that other code may throw and that are not safe to read. */
export const foreignValues: Readonly<Record<string, () => unknown>> = {
  'an error with a message that throws': () => withGetter('message'),
  'an error with a stack that throws': () => withGetter('stack'),
  'an error with a cause that throws': () => withGetter('cause'),
  'an error with a code that throws': () => withGetter('code'),
  'an error with a name that throws': () => withGetter('name'),
  'an error with a detail that throws': () => withGetter('detail'),
  'an error whose message can be read once': worksOnce,
  'an error whose code is an object': () =>
    Object.assign(new Error('odd'), { code: Object.create(null) as object }),
  'an error whose message is a symbol': () =>
    Object.assign(new Error(), { message: Symbol('message') }),
  'an error with a cause that is a revoked Proxy': () => new Error('odd', { cause: revoked() }),
  'a frozen error': () => Object.freeze(new Error('frozen')),
  'a circle of causes': circular,
  'a chain of 10,000 causes': once(() => chainOf(10_000)),
  'an AggregateError with 100,000 errors': once(
    () => new AggregateError(Array.from({ length: 100_000 }, (_, index) => new Error(`${index}`))),
  ),
  'a message of 10 MB': once(() => new Error('x'.repeat(10_000_000))),
  'a Proxy that throws on every trap': () => new Proxy({}, traps),
  'a Proxy of an error that throws on every trap': () => new Proxy(new Error('hidden'), traps),
  'a revoked Proxy': revoked,
  'a revoked Proxy of a function': () => {
    const { proxy, revoke } = Proxy.revocable(() => {}, {});
    revoke();
    return proxy;
  },
  'an object without a prototype': () => Object.create(null) as object,
  'an object whose toString and toJSON throw': () => ({ toString: refuse, toJSON: refuse }),
  'an object whose then throws': () =>
    new Proxy({}, { get: (_, key) => (key === 'then' ? refuse() : undefined) }),
  'a symbol': () => Symbol('thrown'),
  undefined: () => undefined,
  null: () => null,
};
