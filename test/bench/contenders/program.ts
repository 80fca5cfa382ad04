import type { ColdOrder, ColdTimes, Contender } from './order.ts';

// Carries out one order in a process that has done nothing before, and prints its times.
const order = JSON.parse(process.argv[2] ?? '') as ColdOrder;
const group = (await import(`./${order.group}.js`)) as Record<string, Record<string, Contender>>;
const contender = group[order.group]?.[order.contender];
if (!contender) throw new Error(`There is no ${order.contender} among the ${order.group}`);

const importingAt = performance.now();
const boot = await contender(order);
const importedAt = performance.now();
const close = await boot(order);
const readyAt = performance.now();
const { user, system } = process.cpuUsage();

await close();
const times: ColdTimes = { importingAt, importedAt, readyAt, cpuMs: (user + system) / 1_000 };
process.stdout.write(JSON.stringify(times));
