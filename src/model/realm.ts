export const REALMS = ["aws", "emulator", "custom"] as const;
/** What answers in AWS's place: AWS itself, our emulator, or whatever an override points at. */
export type Realm = (typeof REALMS)[number];
