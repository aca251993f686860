"""Several packages in one repository: which there are, who needs whom, what is released along."""
