package provider

import aura "github.com/aura-stack-go/auth/core"

// FromEnvironment returns the presets that take no argument and have a client id
// in the environment ([aura.Provider.Configured]), by name: for an application
// that offers whatever its operator has credentials for. Presets with arguments,
// such as Okta's domain, are the application's to add.
func FromEnvironment() (found []aura.Provider) {
	for _, p := range []aura.Provider{
		Atlassian(), Bitbucket(), ClickUp(), Discord(), Dribbble(), Dropbox(), Facebook(), Figma(), GitHub(), GitLab(),
		Google(), HubSpot(), HuggingFace(), Kakao(), Line(), LinkedIn(), Mailchimp(), Notion(), Pinterest(), Reddit(),
		Slack(), Spotify(), Strava(), Twitch(), TwitchOIDC(), VK(), X(), Yandex(), Zoom(),
	} {
		if p.Configured() {
			found = append(found, p)
		}
	}
	return found
}
