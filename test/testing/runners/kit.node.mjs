import { after, before, test } from 'node:test';
import { testTheKit } from './kit-tests.mjs';

testTheKit({ test, before, after });
