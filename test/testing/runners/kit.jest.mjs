import { afterAll, beforeAll, test } from '@jest/globals';
import { testTheKit } from './kit-tests.mjs';

testTheKit({ test, before: beforeAll, after: afterAll });
