import { missingPackages } from "../../../dev/lab/packages";

test("a package is missing when dpkg does not know it, or knows it only as removed or half installed", () => {
  const listing = ["iproute2 installed", "fdisk config-files", "mmdebstrap half-configured"].join("\n");
  expect(missingPackages(["iproute2", "fdisk", "mmdebstrap", "xorriso"], listing)).toEqual([
    "fdisk",
    "mmdebstrap",
    "xorriso",
  ]);
});

test("nothing is missing of what is installed", () => {
  expect(missingPackages(["iproute2"], "iproute2 installed\n")).toEqual([]);
});
