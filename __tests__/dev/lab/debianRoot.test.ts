import { mmdebstrapArguments } from "../../../dev/lab/debianRoot";

test("mmdebstrap gets packages, excluded paths and hooks before suite, target and mirror", () => {
  const root = {
    suite: "sid",
    components: ["main", "contrib"],
    packages: ["one", "two"],
    excludedPaths: ["/usr/share/doc/*"],
    hooks: ['rm "$1"/x'],
  };
  const args = mmdebstrapArguments(root, "/target", "http://mirror.example/debian");
  expect(args.slice(-3)).toEqual(["sid", "/target", "http://mirror.example/debian"]);
  expect(args).toEqual(
    expect.arrayContaining([
      "--components=main,contrib",
      "--include=one,two",
      "--dpkgopt=path-exclude=/usr/share/doc/*",
      '--customize-hook=rm "$1"/x',
    ]),
  );
});
