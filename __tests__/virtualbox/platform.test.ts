import { checkPlatform } from "../../virtualbox/platform";

test.each([
  ["darwin", "arm64", "macOS on Apple silicon"],
  ["linux", "arm64", "Linux on arm64"],
  ["win32", "arm64", "Windows on arm64"],
  ["linux", "ia32", "Linux on ia32"],
])("%s on %s is refused by name", (platform, arch, name) => {
  expect(() => checkPlatform(platform, arch)).toThrow(
    new RegExp(`^${name} is not supported.*\n→ use an x86-64 machine`),
  );
});

test.each(["linux", "darwin", "win32"])("%s on x64 is not", (platform) => checkPlatform(platform, "x64"));
