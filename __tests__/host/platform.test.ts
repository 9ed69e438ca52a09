import { checkPlatform } from "../../host/platform";

test("Apple silicon is refused by name, and nothing else is", () => {
  expect(() => checkPlatform("darwin", "arm64")).toThrow(/Apple silicon is not supported.*\n→ use an x86-64 machine/);
  for (const [platform, arch] of [["darwin", "x64"], ["linux", "arm64"], ["win32", "x64"]]) checkPlatform(platform, arch);
});
