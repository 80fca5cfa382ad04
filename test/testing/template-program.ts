import { createTemplateDatabase } from '../../src/testing/index.ts';

const [url = '', mode] = process.argv.slice(2);
const template = await createTemplateDatabase(url, () => undefined);
const { name } = await template.create();
console.log(template.name, name);
// The parent kills this process, which has dropped nothing.
if (mode === 'keep') process.stdin.resume();
