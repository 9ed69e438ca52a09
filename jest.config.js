/** @type {import("jest").Config} */
module.exports = {
  testMatch: ["**/__tests__/**/*.test.ts"],
  transform: {
    "\\.[cm]?[jt]s$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // execa and its like are ES modules only, which Jest cannot require as they are.
  transformIgnorePatterns: [
    "node_modules/(?!(execa|figures|get-stream|human-signals|is-|npm-run-path|p-limit|p-retry|p-timeout|parse-ms|path-key|pretty-ms|strip-final-newline|unicorn-magic|yocto|@sindresorhus|@sec-ant))",
  ],
  // It exports itself to "import" alone.
  moduleNameMapper: { "^unicorn-magic$": "<rootDir>/node_modules/unicorn-magic/node.js" },
  testTimeout: 30_000,
  // The slow ones wait for VirtualBox and Pulumi most of their time.
  maxWorkers: "100%",
};
