package provider

import aura "github.com/aura-stack-go/auth/core"

// HuggingFace signs in with Hugging Face (OpenID Connect). Credentials:
// HUGGINGFACE_CLIENT_ID and HUGGINGFACE_CLIENT_SECRET, with any of the prefixes
// or bare.
//
// The address is verified when Hugging Face says so (email_verified).
func HuggingFace() aura.Provider {
	return aura.Provider{
		ID: "huggingface", Name: "Hugging Face", OIDC: true,
		Issuer:  "https://huggingface.co",
		Profile: preferredUsername,
	}
}
