import { afterAll, beforeAll, test } from 'vitest';
import { testTheKit } from './kit-tests.mjs';

testTheKit({ test, before: beforeAll, after: afterAll });
