export default {
  testMatch: ['**/kit.jest.mjs'],
  testEnvironment: 'node',
  transform: {},
  testTimeout: 60_000,
};
