import { judgeVersion } from "../../virtualbox/version";

describe("versions", () => {
  test.each([
    "7.2.22_Debianr175245",
    "6.1.50_OSEr161033",
    "7.0.10r158379\r\n",
    "WARNING: no driver\n\n7.1.4_Ubuntur165100\n",
  ])("%j is fine", (output) => {
    expect(judgeVersion(output)).toBeUndefined();
  });

  test.each(["7.3.0r1", "8.0.0_MacPorts"])("%j is warned about", (output) =>
    expect(judgeVersion(output)).toMatch(/newer than any/),
  );

  test.each(["6.0.24r139119", "5.2.44r139111"])("%j is too old", (output) =>
    expect(() => judgeVersion(output)).toThrow(/too old\n.*6\.1 or later/),
  );

  test("something else is no VBoxManage", () => expect(() => judgeVersion("hello")).toThrow(/gave no version/));
});
